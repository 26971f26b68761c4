"""A solver whose module never gets to its end."""

import time

time.sleep(600)
