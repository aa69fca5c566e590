"""What a rule asks, what one look at it says, and how looks become a firing and its end.

Pure: parameters in, answers out, no Django and no clock. What a rule looks at is a `Reader`
(`facts.py`): the database when it is live, recorded history when a rule is replayed. So a replay
says what would have happened by the very code that would have done it.
"""
