// Command node takes part in a Parley room.
package main

func main() {}
