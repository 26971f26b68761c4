"""A solver whose module takes the process with it."""

import os

os.abort()
