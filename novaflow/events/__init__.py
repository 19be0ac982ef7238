"""Events of a stack: types, record, filter, sequence, subscription."""
