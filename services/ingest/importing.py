"""placeholder"""
def polisen() -> None:
    """x"""
