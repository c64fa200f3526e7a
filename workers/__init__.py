"""Takes a row, calls `ml`, writes the result back. No science, no HTTP; importing it imports no torch."""
