"""The plant room: how any room runs. Knows no report, place or alarm, and imports no room.

How a record travels through it
===============================
1. ``consumers`` subscribes through FastStream in batches, with a parser that never decodes headers and a decoder
   that never parses JSON, so that no record can take its neighbours along. Acknowledgement is MANUAL: Kafka's own
   commit is telemetry; the truth is our position in PostgreSQL.
2. On assignment ``consumers`` pauses the partitions before its first await, loads the stored positions, and asks
   ``positions`` whether this still is the same log: same cluster, position inside the log, same last record. If not,
   the process halts and says so; otherwise it seeks to the stored position and resumes.
3. ``boundary`` gets the batch and gives each record to ``decoding``: envelope, key = header = body (``identity``),
   upcast, validation. What fails there is poison. The batch then joins its ``lanes``: partitions are shared out over a
   few rows that settle side by side, while the next batch is read. Its turn come, what lies below the position is
   dropped and gaps are noticed.
4. One database transaction (READ COMMITTED, row-level security opened for the batch's municipalities only) locks the
   batch's position rows in order and compares them, runs the room's handler on the good records, and moves the
   positions. Effect and position are one commit: a crash before it repeats the batch, a crash after it does not.
   A room that publishes (geo) commits its effect first, publishes and awaits every confirmation, then moves its
   position; a repeat publishes the stored effect again.
5. Another owner was faster: everything is rolled back, positions are loaded anew, what is still ours is sought.
6. Transient failures are retried in place with back-off and jitter, for less than a third of ``max.poll.interval``;
   then the process halts with code 70 and its supervisor starts it again. Permanent failures split the batch until
   the bad record stands alone; it goes, byte for byte, to the consumer's dead-letter topic, confirmed, and then the
   position moves. Too many of them in a short time halt the process instead.
7. On revocation and on SIGTERM the batches in flight are awaited; retries end early; nothing is acknowledged that is
   not committed.

What a room publishes from HTTP goes through ``outbox``: one row in the same transaction as the fact, sent by one
relay at a time, marked with partition and offset after confirmation. Where the broker is and as whom it is reached is
one address (``kafka_access``). Rows that moved are told to open pages by ``pulse``.

This package is the only place that knows Kafka's and FastStream's quirks; ``tests/contract`` pins those it relies on.
"""
