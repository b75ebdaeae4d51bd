"""What Faust lacks, as Faust extensions."""
