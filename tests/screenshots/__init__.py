"""The pictures in ``assets/screenshots``, taken from a lake that is made for them."""
