"""Identity at the door: credentials in, a principal out."""
