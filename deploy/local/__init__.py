"""Everything on one machine without Docker, root or Java at hand: the servers come as packages that pip installs.

``layout`` says where things lie, ``kafka_jars`` fetches the broker, ``servers`` describes the programs,
``supervisor`` keeps them alive, ``up`` puts it together, ``mailbox`` catches the mail.
"""
