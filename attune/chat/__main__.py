"""`python -m attune.chat`: chat in the terminal."""

from attune.chat.terminal import main

main()
