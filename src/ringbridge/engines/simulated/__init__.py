"""The engine of test keys: calls run the whole machine, and no phone rings. docs/keys.md tells which number does what."""
