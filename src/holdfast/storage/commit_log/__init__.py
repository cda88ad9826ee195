"""What engines for several nodes share: a log of commits, memory that follows it, views that stand still.

Every commit of any node stands in one log, which says what it touched. A process answers from memory, forgets
what the log says has changed, and knows by it whether what a change has read is still so.
"""
