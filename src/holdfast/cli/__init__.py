"""What the command line programs ``holdfast`` and ``hfctl`` have in common; one folder below for each."""
