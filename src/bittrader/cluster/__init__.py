"""Many computers as one: what each may do, who belongs to it, and how it stays up."""
