"""Which step begins when: order, limits, timeouts, attempts, and what a failure blocks."""
