"""The archive: decisions, the log of events, the store of packages, and the catalogue made from the log."""
