"""The strict HTTP/1.1 listener that the store and the storage node share.

Knows bytes, limits and deadlines; knows neither paths, tokens nor what an answer means.
"""
