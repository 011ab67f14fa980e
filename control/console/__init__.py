"""What the web console needs beside the API itself: sign-in by cookie, its pages, its events."""
