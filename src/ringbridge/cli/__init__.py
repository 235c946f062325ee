"""The command line: one module for each command or family of commands.

Command modules import the database, the settings and the server only when a command runs, so that `--help` is quick.
"""
