"""Answers that wait in the store, each for whoever shows its one-time token first.

records     where such an answer lies, and what its token is like
commands    keep an answer, hand it out, hand it on
conclude    the end of every request: the answer itself, or what stands for it
routes      `sys/wrapping/...`
"""
