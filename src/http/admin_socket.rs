//! admin_socket
