"""One module a command: read options, call what does the work, print.

``<command>_<part>`` is a part of that command. What several commands share is in
:mod:`toolkit.cli`, which knows none of them but by name.
"""
