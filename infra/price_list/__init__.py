"""What models cost according to others, to hold the catalogue against."""
