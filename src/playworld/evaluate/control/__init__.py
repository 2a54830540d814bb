"""Does a world do as it is told?"""
