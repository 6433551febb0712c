"""The steps of the voice: entering notices, routing them, sending, pursuing, looking up people, answering."""
