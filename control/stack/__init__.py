"""The local stack: real servers as child processes of one machine, one file a part."""
