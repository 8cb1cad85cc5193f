to be written
