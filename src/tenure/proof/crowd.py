"""Many more partners than the stories name, for a demonstration with numbers in it and for measuring."""

from datetime import datetime


class Crowd:
    def __init__(self, size: int, seed: int):
        self.size = size

    def comes(self, dawn: datetime) -> None:
        pass
