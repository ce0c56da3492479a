"""Pure decisions: ids, values, aggregates and their events. No input or output of any kind."""
