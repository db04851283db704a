"""The page of all messages: read from the code, with the test that triggers each.

::

    make messages                            write docs/messages.md anew
    make messages TESTS=tests/unit/settings  run these tests first, and note what they trigger
"""
