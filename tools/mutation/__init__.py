"""How many small faults, put into the code, do the tests find?"""
