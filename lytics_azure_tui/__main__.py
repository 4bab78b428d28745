"""`python -m lytics_azure_tui` is the same program as `lyazure-tui`."""

from lytics_azure_tui.cli import main

if __name__ == "__main__":
    main()
