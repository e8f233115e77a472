"""What identifies a file: its coded audio, without tags, pictures and container."""
