"""What runs on the far side: the zygote, and the sessions forked from it, where untrusted code lives.

Standard library only, and nothing of the engine: these modules are imported in a process of their own.
"""
