  from  alpine   as  Base
run echo   spaced    words   
Copy   a   b/  
	cmd   ["x" , "y"]
