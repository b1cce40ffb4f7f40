"""The embedded AWS: MiniStack started in-process, with the few corrections that our stacks need.

Runs on the interpreter of ``.venv-local`` and imports nothing else of the project.
"""
