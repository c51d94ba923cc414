"""`python -m byok_bench` and the `byok-bench` command."""

from byok_bench.cli.main import main

if __name__ == "__main__":
    main()
