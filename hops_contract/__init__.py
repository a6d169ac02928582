"""What the products of HopsLab agree on to the letter: names, wire types, layout of the home, verification of tokens.

It imports none of the products, starts nothing and reads no engine.
"""
