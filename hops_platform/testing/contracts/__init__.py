"""The contract of each port as a test class. An adapter's test derives from it and gives the fixture ``engine``."""
