"""The events of a stack: types, records, filters, sequence numbers and subscriptions."""
