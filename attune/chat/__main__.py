"""`python -m attune.chat`: chat in the terminal."""

from attune.core.environment import require_packages


def start() -> None:
    require_packages()
    from attune.chat.terminal import main

    main()


start()
