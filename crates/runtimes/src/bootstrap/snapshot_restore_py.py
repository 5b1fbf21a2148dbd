"""Hooks around a snapshot, as AWS's package of this name has them.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
"""

_before_snapshot = []
_after_restore = []


def register_before_snapshot(function, *args, **kwargs):
    """Has `function` called before the snapshot is taken. The last registered is called first."""
    _before_snapshot.append((function, args, kwargs))
    return function


def register_after_restore(function, *args, **kwargs):
    """Has `function` called after each restore. The first registered is called first."""
    _after_restore.append((function, args, kwargs))
    return function


def get_before_snapshot():
    """What was registered, in order."""
    return _before_snapshot


def get_after_restore():
    """What was registered, in order."""
    return _after_restore
