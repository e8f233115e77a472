"""What hearing a preview costs: programs that measure, each with its table in RESULTS.md."""
