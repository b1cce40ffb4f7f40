"""The AWS side of Rosterbridge: two stacks, one construct a capability."""
