"""`python -m fhir_mpi` is the `fhir-mpi` command."""

from fhir_mpi.cli import main

if __name__ == "__main__":  # the processes that a load starts import this module too
    main(prog_name="fhir-mpi")
