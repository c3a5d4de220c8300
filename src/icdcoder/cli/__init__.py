"""Commands: one file a command, no logic."""


def main() -> None: ...
