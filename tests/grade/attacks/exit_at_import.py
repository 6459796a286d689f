"""Is gone before anybody asks."""

import os

os._exit(0)
