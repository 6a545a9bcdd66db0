"""The control process: the shared block, and an engine process that is kept alive on it.

Everything that can be set lies in the shared block, so an engine that is started again, after a crash or when its
device is back, sounds as the one before. If this process dies, the engine sees its pipe close and ends.
"""
