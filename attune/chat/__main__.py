"""`python -m attune.chat`: chat in the terminal."""

from attune.core.determinism import prepare
from attune.core.environment import require_environment


def start() -> None:
    require_environment()
    prepare()
    from attune.chat.terminal import main

    main()


start()
