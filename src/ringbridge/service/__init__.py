"""Use cases: one task and one mailbox per call. Knows the ports of `call`, and no engine, database or web framework."""
