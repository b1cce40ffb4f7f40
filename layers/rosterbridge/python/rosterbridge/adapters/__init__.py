"""The outside world: one module a service, each fulfilling ports of ``rosterbridge.flows.ports``."""
